import { count, paint, plain } from '../format.ts';
import { renderReceipt } from '../receipt-text.ts';
import type { TableOptions } from '../table.ts';
import { isOpen } from './finding.ts';
import type { Finding } from './finding.ts';

/** What `reeve doctor` says: each finding with its evidence and its remedy, then the sum. */
export function renderFindings(findings: readonly Finding[], options: TableOptions): string {
  const open = findings.filter(isOpen).length;
  const fixed = findings.filter((each) => each.fixed !== null).length;
  const parts = [
    open === 0 ? 'no problem' : count(open, 'problem'),
    ...(fixed === 0 ? [] : [`${fixed} fixed`]),
    ...(findings.length > open + fixed ? [count(findings.length - open - fixed, 'note')] : []),
  ];
  const sum = paint(parts.join(', '), open === 0 ? 'green' : 'red', options.color);
  return `${findings.map((each) => renderFinding(each, options)).join('')}${sum}\n`;
}

function renderFinding(each: Finding, options: TableOptions): string {
  const { color } = options;
  const title = isOpen(each)
    ? paint(each.kind, 'red', color)
    : paint(each.kind, each.fixed === null ? 'yellow' : 'green', color);
  const lines = [
    `${title}  ${plain(each.subject)}`,
    ...each.evidence.map((text) => `  ${plain(text)}`),
    ...(each.fixed === null ? [] : [`  ${paint('fixed', 'green', color)}: ${plain(each.fixed)}`]),
    ...(each.fixed !== null || each.remedy === null
      ? []
      : [`  ${paint('remedy', 'bold', color)}: ${plain(each.remedy)}`]),
  ];
  const receipt =
    each.receipt === null ? '' : renderReceipt('receipt', each.receipt, options).replaceAll(/^(?=.)/gmu, '  ');
  return `${lines.join('\n')}\n${receipt}\n`;
}
