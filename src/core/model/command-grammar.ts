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

/** GitHub's repository roles, weakest first. */
export const roles = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const
export type Role = (typeof roles)[number]

export const mayAct = (role: Role, least: Role): boolean => roles.indexOf(role) >= roles.indexOf(least)
