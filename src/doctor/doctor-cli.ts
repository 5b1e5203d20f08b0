/** Prints each check with its fix, or as data. The exit code is 1 if any is not ok. */
import { asPrinted, type Check, checkSign, sumOf } from '../core/model/check.ts'
import { examineEnvironment } from './examine.ts'

export async function runDoctor(isJson: boolean): Promise<void> {
  const checks = await examineEnvironment()
  process.stdout.write(
    isJson ? `${JSON.stringify(checks.map(asPrinted), null, 2)}\n` : asLines(checks),
  )
  process.exitCode = checks.every(({ ok }) => ok) ? 0 : 1
}

function asLines(all: readonly Check[]): string {
  const width = Math.max(...all.map(({ name }) => name.length))
  const lines = all.map(check =>
    [
      `${checkSign(check)} ${check.name.padEnd(width)}  ${check.detail}`,
      ...(check.fix ? [`  ${' '.repeat(width)}  → ${check.fix}`] : []),
    ].join('\n'),
  )
  return `${lines.join('\n')}\n\n${sumOf(all)}\n`
}
