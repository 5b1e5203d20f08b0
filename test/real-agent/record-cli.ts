/** Records what is named, or all, one after the other; says what could not be recorded. */
import { setup } from './loopback.ts'
import { record } from './record.ts'
import { scenarios } from './scenarios.ts'

await setup()
const [first, ...others] = process.argv.slice(2)
const names = first === 'all' ? Object.keys(scenarios) : first === undefined ? [] : [first, ...others]
if (names.length === 0) console.log(`all, or some of: ${Object.keys(scenarios).join(', ')}`)
for (const name of names) {
  const began = Date.now()
  try {
    console.log(await record(name), `${Math.round((Date.now() - began) / 1_000)} s`)
  } catch (error) {
    console.error(`${name}:`, error)
    process.exitCode = 1
  }
}
process.exit()
