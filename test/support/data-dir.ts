import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder with a new embedded queue in it: making one takes seconds, copying one does not. Outside of tests it is empty. */
export async function newDataDir(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'codex-task-bot-'))
  const template = process.env.QUEUE_TEMPLATE
  if (template !== undefined) await cp(join(template, 'queue'), join(path, 'queue'), { recursive: true })
  return path
}
