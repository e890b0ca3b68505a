import { stripVTControlCharacters, styleText } from 'node:util';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** @defaultValue 'left' */
  readonly align?: 'left' | 'right';
  /** Takes what is left of the terminal's width, cut with an ellipsis; at most one column. */
  readonly flexible?: boolean;
}

export interface TableOptions {
  readonly color: boolean;
  /** Columns of the terminal; null = not a terminal, nothing is cut. */
  readonly width: number | null;
}

const GAP = '  ';

/** A plain table: a dim line of titles, two spaces between columns, no rules, no trailing blanks. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], options: TableOptions): string {
  const shown = columns.filter((column) => rows.some((row) => column.value(row) !== ''));
  const cells = rows.map((row) => shown.map((column) => column.value(row)));
  const widths = shown.map((column, index) =>
    Math.max(column.title.length, ...cells.map((line) => visibleLength(line[index] ?? ''))),
  );
  const flexible = shown.findIndex((column) => column.flexible === true);
  if (flexible !== -1 && options.width !== null) {
    const others =
      widths.reduce((sum, width, index) => (index === flexible ? sum : sum + width), 0) +
      GAP.length * (shown.length - 1);
    widths[flexible] = Math.max(Math.min(widths[flexible] ?? 0, options.width - others), 12);
  }
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => pad(cut(text, widths[index] ?? 0), widths[index] ?? 0, shown[index]?.align ?? 'left'))
      .join(GAP)
      .trimEnd();
  const titles = line(shown.map((column) => column.title));
  return [options.color ? styleText('dim', titles, { validateStream: false }) : titles, ...cells.map(line), ''].join(
    '\n',
  );
}

function visibleLength(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - visibleLength(text)));
  return align === 'left' ? text + blanks : blanks + text;
}

/** Only uncoloured text is ever longer than its column. */
function cut(text: string, width: number): string {
  return visibleLength(text) <= width
    ? text
    : `${Array.from(text)
        .slice(0, width - 1)
        .join('')}…`;
}
