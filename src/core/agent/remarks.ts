export const remarkName = (number: number): string => `Review comment ${number}`

const marks = '[ \\t>*_#`-]*'

const beginningOf = (number: number): RegExp =>
  new RegExp(`^${marks}${remarkName(number)}${marks}:${marks}(?=[^ \\t])`, 'i')

export function saidOfRemark(answer: string, number: number): string | undefined {
  const begins = beginningOf(number)
  for (const line of answer.split('\n')) {
    const [name] = begins.exec(line) ?? []
    const said = name === undefined ? '' : line.slice(name.length).trim()
    if (said !== '') return said
  }
  return undefined
}

/** What is said of the first remarks stands in their own threads. */
export function withoutRemarks(answer: string, count: number): string {
  const begins = Array.from({ length: count }, (_, index) => beginningOf(index + 1))
  const rest = answer.split('\n').filter(line => !begins.some(remark => remark.test(line)))
  return rest.join('\n').trim()
}
