import type { Role } from '../model/role.ts'

export interface CommandGrammar {
  name: string
  aliases?: readonly string[]
  usage: string
  example: string
  about: string
  least: Exclude<Role, 'none'>
  takes: 'text' | 'nothing'
  options: boolean
}

/** The command for words that name none. It has no name that can be typed: "run the tests" would lose its verb. */
export const instruction = 'run'
