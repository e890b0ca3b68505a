import { ReeveError } from '../errors.ts';

/** `--limit 20` → 20. @throws USAGE naming the option */
export function wholeNumber(option: string, text: string): number {
  if (/^\d{1,15}$/u.test(text.trim())) return Number(text);
  throw new ReeveError('USAGE', `${option} wants a whole number, not "${text}"`, {
    where: option,
    hint: 'digits alone, such as 20',
  });
}
