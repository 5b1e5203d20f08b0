import { threadName } from '../../core/model/thread.ts'
import { taskMarker } from '../../core/record/run.ts'
import { once, step } from './step-context.ts'

const maxTitle = 255

export const createTask = step('create-task', {
  posthog: ['integrationFor', 'createTask', 'findTask'],
  writes: ['session'],
  async do(context) {
    const { run, deps, posthog } = context
    const marker = taskMarker(run)
    const name = ` (${threadName(run.thread)})`
    const title = `${[...run.baseline.snapshot.title].slice(0, maxTitle - name.length).join('')}${name}`
    const instruction = run.request.text || run.baseline.snapshot.title
    const repository = `${run.thread.owner}/${run.thread.repo}`
    // Before the lock is looked at: a worker may sleep through a call, and would then make a second task.
    const integration = await posthog.integrationFor(repository)
    const taskId = await once(context, {
      intent: { kind: 'create-task', at: deps.now() },
      begins: true,
      find: () => posthog.findTask(marker),
      perform: () =>
        posthog.createTask({
          title,
          description: `${instruction}\n\nAsked by ${run.request.by.login} on ${run.thread.url}\n${marker}`,
          ...{ repository, integration },
        }),
    })
    return { session: { taskId, taskMade: true } }
  },
})
