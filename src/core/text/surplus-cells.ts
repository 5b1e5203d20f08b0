/** Cells beyond the table's head, which GitHub drops. In doubt, a cell is dropped. */

/** `| --- | :-: |`; without any pipe or colon it is the line under a heading. */
const delimiterRow = /^[ \t>]*(?=[^\n]*[|:])\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/

export function withoutSurplusCells(text: string, drop: (hidden: string) => void = () => {}): string {
  let cells = 0
  let before = ''
  return text
    .split('\n')
    .map(line => {
      const blank = /^[ \t>]*$/.test(line)
      const begins = cells === 0 && !/^[ \t>]*$/.test(before) && delimiterRow.test(line)
      before = line
      if (blank) cells = 0
      if (begins) cells = cellsOf(line)
      return cells === 0 || begins ? line : cut(line, cells, drop)
    })
    .join('\n')
}

const cellsOf = (row: string): number => row.split('-').join('').split('|').length - outerPipes(row)

const outerPipes = (row: string): number =>
  Number(/^[ \t>]*\|/.test(row)) + Number(/(?<!\\)\|[ \t]*$/.test(row))

function cut(row: string, cells: number, drop: (hidden: string) => void): string {
  const [, start = '', rest = ''] = /^([ \t>]*\|?)(.*)$/.exec(row) ?? []
  const all = rest.split(/(?<!\\)\|/)
  const surplus = all.slice(cells)
  if (surplus.every(cell => cell.trim() === '')) return row
  drop(surplus.join('|'))
  return `${start}${all.slice(0, cells).join('|')}|`
}
