import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { Env } from './environment.ts'

/** npm stops its script when asked to end, but not when killed. */
export const startedByNpm = (): boolean => process.env.npm_lifecycle_event === 'start'

/** The environment and, behind it, `.env`; an empty variable counts as none. @throws when `.env` can't be read */
export function environment(): Env {
  for (const file of envFiles().filter(existsSync))
    for (const [name, value] of Object.entries(valuesIn(file)))
      if (!process.env[name]) process.env[name] = value
  return process.env
}

/** The set-up page writes the first that can be written: in a container the second. With ENV_FILE there is no other. */
function envFiles(): string[] {
  const { ENV_FILE, DATA_DIR } = process.env
  return (ENV_FILE ? [ENV_FILE] : ['.env', join(DATA_DIR || './data', '.env')]).map(file => resolve(file))
}

export function envFileToWrite(): string {
  const file = envFiles().find(isWritable)
  if (file === undefined)
    throw new Error(`can't write ${envFiles().join(' or ')}: let the user of this process write one of them`)
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

function valuesIn(file: string): Env {
  try {
    return parseEnv(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`${file} can't be read: make it a file that the user of this process may read`, { cause })
  }
}
