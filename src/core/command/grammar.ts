import type { Role } from '../model/role.ts'

export interface CommandGrammar {
  name: string
  aliases?: readonly string[]
  usage: string
  example: string
  about: string
  least: Exclude<Role, 'none'>
  /** Whether words after the name belong to the command (`plan how …`) or make it an instruction. */
  takes: 'text' | 'nothing'
  options: boolean
}

/** What any words are that name no command. Were it a word of its own, "run the tests" would lose its verb. */
export const instruction = 'run'
