/** Hostile payloads, as many as there is time for: `npm run fuzz -- --runs N --seed N`. Each finding names its world. */
import { parseArgs } from 'node:util'
import { fuzz } from '../test/security/fuzz.ts'
import { fuzzPages } from '../test/security/page-fuzz.ts'
import { cmarkAvailable } from '../test/support/cmark-gfm.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100000' }, seed: { type: 'string' } },
})
const inputs = Number(values.runs)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
if (!Number.isInteger(inputs) || !Number.isInteger(seed)) {
  process.stderr.write('npm run fuzz -- [--runs N] [--seed N]\n')
  process.exit(2)
}

const began = Date.now()
const seconds = (): number => Math.round((Date.now() - began) / 1000)
process.stdout.write(`seed ${seed}, ${inputs} inputs\n`)
const { findings, ...counts } = await fuzz({ seed, inputs }, so =>
  process.stdout.write(`${so.inputs} inputs, ${seconds()} s, ${so.findings.length} findings\n`),
)
if (cmarkAvailable())
  findings.push(
    ...fuzzPages({ seed, texts: inputs }, done => {
      if (done % 10_000 === 0) process.stdout.write(`${done} pages, ${seconds()} s\n`)
    }),
  )
for (const finding of findings) process.stdout.write(`\n${finding}\n`)
process.stdout.write(
  `\n${counts.inputs} inputs in ${seconds()} s: ${counts.taken} taken, ${counts.runs} runs, ${counts.comments} comments, held for ${counts.held} ms at most, ${findings.length} findings\n`,
)
if (findings.length > 0)
  process.stdout.write('A world is had again with --runs 1 --seed <its number>.\n')
process.exit(findings.length > 0 ? 1 : 0)
