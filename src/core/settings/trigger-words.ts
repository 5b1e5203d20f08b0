/** The command word and label. Needed before any call, so only the deployment sets them. */
import { z } from 'zod'

export interface TriggerWords {
  word: string
  labels: readonly string[]
}

export const usualTrigger: TriggerWords = { word: 'codex', labels: ['codex'] }

export const TriggerSettings = z
  .strictObject({
    word: z
      .string()
      .regex(
        /^[A-Za-z][A-Za-z0-9-]{0,29}$/,
        'must be one word of letters, digits and hyphens, without the slash',
      )
      .toLowerCase()
      .optional()
      .describe('What commands begin with, without the slash, instead of `codex`.'),
    labels: z
      .array(
        z.string().regex(/^[^\s`,][^`,\n\r]{0,39}$/, 'must be names of labels, of 40 characters at most'),
      )
      .min(1)
      .optional()
      .describe('The labels that start a run, instead of `codex`.'),
  })
  .describe('What the bot is called by.')

export const triggerWords = (...given: (z.infer<typeof TriggerSettings> | undefined)[]): TriggerWords =>
  given.reduce<TriggerWords>(
    ({ word, labels }, each) => ({ word: each?.word ?? word, labels: each?.labels ?? labels }),
    usualTrigger,
  )
