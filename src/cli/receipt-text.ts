import { HIDEPID_REMEDY } from '../processes/hidden.ts';
import type { Receipt } from '../processes/receipt.ts';
import { count, formatDuration, paint, plain } from './format.ts';
import { renderTable } from './table.ts';
import type { TableOptions } from './table.ts';

/** A receipt for people: one sentence that says what was proven, then who was signalled, then who lives. */
export function renderReceipt(title: string, receipt: Receipt, options: TableOptions): string {
  const signalled = renderTable(
    [
      { title: 'PID', value: (entry) => String(entry.pid), align: 'right' },
      { title: 'NAME', value: (entry) => plain(entry.comm) },
      { title: 'SIGNALS', value: (entry) => entry.signals.join(' ') },
      {
        title: 'DIED AFTER',
        value: (entry) => (entry.diedMs === null ? '' : formatDuration(entry.diedMs)),
        align: 'right',
      },
      { title: '', value: (entry) => (entry.outsideGroup ? 'a plain TERM would have missed it' : '') },
    ],
    receipt.signalled,
    options,
  );
  const survivors = renderTable(
    [
      { title: 'PID', value: (entry) => String(entry.pid), align: 'right' },
      { title: 'NAME', value: (entry) => plain(entry.comm) },
      { title: 'WHY IT LIVES', value: (entry) => entry.why },
    ],
    receipt.survivors,
    options,
  );
  return [
    `${title}: ${verdict(receipt, options.color)}\n`,
    receipt.signalled.length > 0 ? indent(signalled) : '',
    receipt.survivors.length > 0 ? indent(survivors) : '',
    receipt.unproven === undefined ? '' : indent(`${receipt.unproven.why}; ${HIDEPID_REMEDY}\n`),
  ].join('');
}

function verdict(receipt: Receipt, color: boolean): string {
  const elapsed = formatDuration(receipt.elapsedMs);
  if (receipt.survivors.length > 0)
    return paint(`${count(receipt.survivors.length, 'survivor')} after ${elapsed}`, 'red', color);
  if (!receipt.provenEmpty) return paint(`not proven empty after ${elapsed}`, 'red', color);
  if (receipt.signalled.length === 0) return paint('nothing was running', 'green', color);
  const killed = receipt.signalled.filter((entry) => entry.signals.includes('KILL')).length;
  const needed = killed === 0 ? '' : `, ${killed} by KILL`;
  return paint(
    `${count(receipt.signalled.length, 'process', 'processes')} ended in ${elapsed}${needed}; none left`,
    'green',
    color,
  );
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gmu, '  ');
}
