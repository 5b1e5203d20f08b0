/** 👀 on what somebody with trust asked. Nothing waits for long for it, and its failure does not matter. */
import { second } from '../core/model/time.ts'
import { type CommandContext, type CommandTrigger, targetOf } from './command-context.ts'

export function reactWithEyes(context: CommandContext, trigger: CommandTrigger): boolean {
  if (context.stranger || trigger.kind === 'tick') return false
  context.eyes = context.github.react(targetOf(trigger), 'eyes').catch(() => {})
  return true
}

/** Before the eyes are taken off again. GitHub may set them later than this; then they are taken off once more. */
export async function awaitEyes({ eyes, github, record: { trigger } }: CommandContext): Promise<void> {
  if (!eyes) return
  const isLate = await Promise.race([
    eyes.then(() => false),
    new Promise<boolean>(done => setTimeout(done, second, true).unref()),
  ])
  if (isLate) eyes.then(() => github.unreact(targetOf(trigger), 'eyes')).catch(() => {})
}
