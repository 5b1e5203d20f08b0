export const remarkName = (number: number): string => `Review comment ${number}`

const marks = '[ \\t>*_#`-]*'

export function saidOfRemark(answer: string, number: number): string | undefined {
  const begins = new RegExp(`^${marks}${remarkName(number)}${marks}:${marks}(?=[^ \\t])`, 'i')
  for (const line of answer.split('\n')) {
    const [name] = begins.exec(line) ?? []
    const said = name === undefined ? '' : line.slice(name.length).trim()
    if (said !== '') return said
  }
  return undefined
}
