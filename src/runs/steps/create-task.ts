import { threadName } from '../../core/model/thread.ts'
import { type ChangeOf, type RunPart, taskMarker } from '../../core/run/run.ts'
import { once, type StepContext } from './step-context.ts'

const maxTitle = 255

type Making = 'createTask' | 'findTask'

export async function createTask(context: StepContext<never, Making>): Promise<ChangeOf<'session'>> {
  const taskId = await makeTask(context)
  return { session: { taskId, taskMade: true } }
}

export async function makeTask<Written extends RunPart = never>(
  context: StepContext<never, Making, Written>,
  beside?: { also: ChangeOf<Written>; begin(): void },
): Promise<string> {
  const { run, deps, posthog } = context
  const marker = taskMarker(run)
  const name = ` (${threadName(run.thread)})`
  const title = `${[...run.baseline.snapshot.title].slice(0, maxTitle - name.length).join('')}${name}`
  const asked = run.request.text || run.baseline.snapshot.title
  return once(context, {
    intent: { kind: 'create-task', at: deps.now() },
    begins: true,
    ...(beside ? { also: beside.also } : {}),
    find: () => posthog.findTask(marker),
    perform: () => {
      beside?.begin()
      return posthog.createTask({
        title,
        description: `${asked}\n\nAsked by ${run.request.by.login} on ${run.thread.url}\n${marker}`,
        repository: `${run.thread.owner}/${run.thread.repo}`,
      })
    },
  })
}
