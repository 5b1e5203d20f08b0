/** An issue in which maya asks, with what comes of it. */
import { ledgerOf, Thread } from './thread.ts'
import type { World } from './world.ts'

export async function opensIssue(world: World, title: string, repository = world.github.repository) {
  const maya = world.github.as('maya', repository)
  const { number } = await maya.opensIssue({ title, body: 'As said.' })
  const ledger = () => ledgerOf(world, number, repository)
  return {
    maya,
    number,
    repository,
    thread: new Thread(world, number, repository),
    says: (text: string) => maya.comments(number, text),
    ledger,
    /** That was started for it, by its place among them. */
    run: (at: number) => world.posthog.run(String(ledger().runs[at]?.runId)),
  }
}
