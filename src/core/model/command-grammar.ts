/** What a command declares of itself for parser, help and permissions; and the roles that may use it. */
import { z } from 'zod'
import { variant } from './schema-parts.ts'
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

export const mayAct = (role: Role, least: Role): boolean =>
  roles.indexOf(role) >= roles.indexOf(least)

/** Who sends a command, as GitHub said `at` that time, ms since the epoch. Unknown: GitHub has not said it `since`. */
export const Sender = z.discriminatedUnion('kind', [
  variant('known', {
    at: z.number(),
    role: z.enum(roles),
    name: z.string(),
    named: z.boolean().optional(),
  }),
  variant('unknown', {
    at: z.number(),
    since: z.number(),
    /** What GitHub refused, in its words. */
    why: z.string().optional(),
  }),
])
export type Sender = z.infer<typeof Sender>
