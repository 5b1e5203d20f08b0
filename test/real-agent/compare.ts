/** What a new recording says differently: which kinds of entries there are, in which order, and what was patched. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { record, recordings } from './record.ts'
import { scenarios } from './scenarios.ts'

const Rpc = z.looseObject({
  method: z.string().optional(),
  params: z
    .looseObject({ update: z.looseObject({ sessionUpdate: z.string() }).optional().catch(undefined) })
    .optional(),
  result: z.looseObject({ stopReason: z.string().optional() }).nullish().catch(undefined),
})
const Recorded = z.object({
  model: z.array(z.object({ tools: z.array(z.string()) })),
  log: z.array(z.object({ entry: z.looseObject({ notification: Rpc }) })),
  row: z.array(z.object({ patch: z.record(z.string(), z.unknown()) })),
})

/** Lines of the console come when they come, and how often a part is sent is a matter of time. */
function outlineOf(text: string, name: string): string {
  const { log, row, model } = Recorded.parse(JSON.parse(text))
  const kinds = log
    .map(({ entry }) => entry.notification)
    .filter(({ method }) => method !== '_posthog/console')
    .map(({ method, params, result }) => {
      const detail = params?.update?.sessionUpdate ?? result?.stopReason
      return [method ?? (result === undefined ? 'error' : 'result'), detail].filter(Boolean).join(' ')
    })
    .filter((kind, index, all) => kind !== all[index - 1])
  // Some of them are sent side by side.
  const patches = row.map(({ patch }) => `PATCH ${shapeOf(patch)}`).toSorted()
  const tools = (model[0]?.tools ?? []).map(name => `tool ${name}`)
  // What was stored when a sandbox was killed is a matter of time.
  const stored = scenarios[name]?.ends === 'never' ? [] : kinds
  return [...stored, ...patches, ...tools].map(line => `${line}\n`).join('')
}

/** The values of a row differ from run to run; those that decide what is told do not. */
const shapeOf = ({ status, error_message: error, ...rest }: Record<string, unknown>): string =>
  JSON.stringify({ status, error, sets: Object.keys(rest).toSorted() })

/** @returns a diff, or nothing if it says the same */
export async function compare(name: string): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'recording-'))
  try {
    const made = await record(name, folder)
    const [before, after] = [join(folder, 'before'), join(folder, 'after')]
    await writeFile(before, outlineOf(await readFile(join(recordings, `${name}.json`), 'utf8'), name))
    await writeFile(after, outlineOf(await readFile(made, 'utf8'), name))
    return await new Promise(resolve =>
      execFile('git', ['diff', '--no-index', '--unified=3', before, after], (_, stdout) =>
        resolve(stdout.split('\n').slice(4).join('\n') || undefined),
      ),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
