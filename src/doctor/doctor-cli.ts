/** `npm run doctor`: prints each check with its fix; `-- --json` prints them as data. Exit code 1 if any is not ok. */
import { readConfig } from '../config.ts'
import { asPrinted, type Check, found, markOf, passed, some, wellOf } from '../core/model/check.ts'
import { describe } from '../core/model/errors.ts'
import { environment, goThroughProxy } from '../process-environment.ts'
import { examineAll } from './examine.ts'

const flags = process.argv.slice(2)
const unknown = flags.filter(flag => flag !== '--json')
if (unknown.length > 0) {
  process.stderr.write(
    `There is no ${unknown.join(' ')}. Use \`npm run doctor\` or \`npm run doctor -- --json\`.\n`,
  )
  process.exit(2)
}

const checks = await allChecks()
process.stdout.write(
  flags.includes('--json') ? `${JSON.stringify(checks.map(asPrinted), null, 2)}\n` : asLines(checks),
)
process.exitCode = checks.every(({ ok }) => ok) ? 0 : 1

async function allChecks(): Promise<Check[]> {
  try {
    const env = environment()
    await goThroughProxy(env)
    const read = readConfig(env)
    const begin = 'Start the bot with `npm start` and open its set-up page.'
    const set = 'Correct it in `.env`, in the environment or in the file that it names, and run this again.'
    if (read.kind === 'set-up') return [found('configuration', 'there is no GitHub App yet', begin)]
    if (read.kind === 'refuse') return read.problems.map(problem => found('configuration', problem, set))
    const checks = await examineAll(read.config)
    return [passed('configuration', 'all variables are valid'), ...checks]
  } catch (error) {
    return [found('configuration', describe(error), 'Correct it and run this again.')]
  }
}

function asLines(all: readonly Check[]): string {
  const width = Math.max(...all.map(({ name }) => name.length))
  const lines = all.map(check =>
    [
      `${markOf(check)} ${check.name.padEnd(width)}  ${check.detail}`,
      ...(check.fix ? [`  ${' '.repeat(width)}  → ${check.fix}`] : []),
    ].join('\n'),
  )
  const wrong = all.filter(({ ok }) => !ok).length
  return `${lines.join('\n')}\n\n${wrong === 0 ? wellOf(all) : `${some(wrong, all)} wrong.`}\n`
}
