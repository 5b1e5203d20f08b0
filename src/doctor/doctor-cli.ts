/** `npm run doctor`: prints each check with its fix; `-- --json` prints them as data. Exit code 1 if any is not ok. */
import { asPrinted, type Check, checkSign, sumOf } from '../core/model/check.ts'
import { examineEnvironment } from './examine.ts'

const flags = process.argv.slice(2)
const unknown = flags.filter(flag => flag !== '--json')
if (unknown.length > 0) {
  process.stderr.write(
    `There is no ${unknown.join(' ')}. Use \`npm run doctor\` or \`npm run doctor -- --json\`.\n`,
  )
  process.exit(2)
}

const checks = await examineEnvironment()
process.stdout.write(
  flags.includes('--json')
    ? `${JSON.stringify(checks.map(asPrinted), null, 2)}\n`
    : asLines(checks),
)
process.exitCode = checks.every(({ ok }) => ok) ? 0 : 1

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
