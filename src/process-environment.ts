/** The only reader of `process.env`, with the files behind it. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'

const { npm_lifecycle_event: script, CODEX_BOT_HOME } = process.env

/** What to type for a word of the command line, in the way in which this process was started. */
export function commandTyped(word: string): string {
  const words = word === 'start' ? '' : ` ${word}`
  if (script === 'npx') return `npx codex-task-bot${words}`
  if (script !== 'start' && script !== 'doctor') return `codex-task-bot${words}`
  return word === 'start' ? 'npm start' : `npm run${words}`
}

/** All relative paths begin in this folder. */
export const home = resolve(CODEX_BOT_HOME ?? '.')

const ofFiles = new Set<string>()

/** The names that files set, which a later reading sets anew. */
export const namesInFiles: ReadonlySet<string> = ofFiles

/**
 * The environment and, behind it, `.env` as it is now; an empty variable counts as none.
 * @throws when `.env` can't be read, or has a line that is no variable
 */
export function environment(): NodeJS.ProcessEnv {
  try {
    process.chdir(home)
  } catch (cause) {
    throw new Error(`CODEX_BOT_HOME is ${home}: make it a folder that is there`, { cause })
  }
  for (const name of ofFiles) delete process.env[name]
  ofFiles.clear()
  for (const file of envFiles().filter(existsSync)) {
    const text = contentsOf(file)
    const stray = strayLine(text)
    if (stray !== undefined)
      throw new Error(
        `${file}, line ${stray}: this is no variable. Write NAME=value, begin a remark with #, and put a value of several lines in quotes`,
      )
    for (const [name, value] of Object.entries(parseEnv(text))) {
      if (process.env[name]) continue
      process.env[name] = value
      ofFiles.add(name)
    }
  }
  return process.env
}

/** The set-up page writes the first that can be written: in a container the second. With ENV_FILE there is no other. */
function envFiles(): string[] {
  const { ENV_FILE, DATA_DIR } = process.env
  return (ENV_FILE ? [ENV_FILE] : ['.env', join(DATA_DIR || './data', '.env')]).map(file =>
    resolve(file),
  )
}

export function envFileToWrite(): string {
  const file = envFiles().find(isWritable)
  if (file === undefined)
    throw new Error(
      `can't write ${envFiles().join(' or ')}: let the user of this process write one of them`,
    )
  return file
}

function isWritable(file: string): boolean {
  try {
    accessSync(resolve(file, '..'), constants.W_OK)
    if (existsSync(file)) accessSync(file, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function contentsOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Error(
      `${file} can't be read: make it a file that the user of this process may read`,
      { cause },
    )
  }
}

const statement =
  /[^\S\n]*(?:#[^\n]*|(?:export[^\S\n]+)?[A-Za-z_][\w.-]*[^\S\n]*=[^\S\n]*(?:"[^"]*"|'[^']*'|`[^`]*`)?[^\n]*)?(?:\n|$)/y

/**
 * Node's parser takes such a line for the beginning of the next one's name, which then is set under no name that anybody
 * reads.
 * @returns its number
 */
export function strayLine(text: string): number | undefined {
  const lines = text.replaceAll('\r', '')
  for (let at = 0; at < lines.length; at = statement.lastIndex) {
    statement.lastIndex = at
    if (!statement.test(lines)) return lines.slice(0, at).split('\n').length
  }
  return undefined
}

/** Makes Node's own `fetch` follow HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
export async function goThroughProxy(env: NodeJS.ProcessEnv): Promise<void> {
  if (!['HTTP_PROXY', 'HTTPS_PROXY'].some(name => env[name] || env[name.toLowerCase()])) return
  const { EnvHttpProxyAgent, setGlobalDispatcher } = await import('undici')
  try {
    setGlobalDispatcher(new EnvHttpProxyAgent())
  } catch {
    throw new Error(
      'HTTP_PROXY or HTTPS_PROXY is not an address: it must begin with http:// or https://',
    )
  }
}
