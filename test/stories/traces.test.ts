import { expect, it } from 'vitest'
import { type ReceivedSpan, startTraceReceiver } from '../support/trace-receiver.ts'
import { onBothQueues } from '../world/on-queues.ts'
import { Thread } from '../world/thread.ts'

/** The names from the first span of a trace to this one. */
function ancestry(spans: readonly ReceivedSpan[], { name, parentSpanId }: ReceivedSpan): string[] {
  const parent = spans.find(({ spanId }) => spanId === parentSpanId)
  return parent ? [...ancestry(spans, parent), name] : [name]
}

onBothQueues(
  'Traces',
  world => {
    it('one goes from the webhook to the last step of its Run, and says which', async ({
      onTestFinished,
    }) => {
      const { github } = world()
      const receiver = await startTraceReceiver()
      onTestFinished(() => receiver.close())
      const bot = await world().startBot('all', { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
      const issue = await github.as('maya').opensIssue({ title: 'Trace', body: 'x' })
      const { id } = await github.as('maya').comments(issue.number, '/codex trace this')
      await new Thread(world(), issue.number).waitForStatus(/^### 🚀/)
      expect(await bot.stop()).toBe(0)

      const first = receiver.spans.find(({ about }) => about.trigger === `comment-${id}`)
      const trace = receiver.spans.filter(({ traceId }) => traceId === first?.traceId)
      const last = trace.findLast(({ name }) => name === 'process runs')
      expect(last && ancestry(receiver.spans, last)).toEqual([
        'webhook',
        'add triggers',
        'process triggers',
        'add runs',
        'process runs',
      ])
      expect(last?.about).toMatchObject({
        'bullmq.queue.name': 'runs',
        run: `run-comment-${id}`,
        delivery: first?.about.delivery,
      })
      // Nothing is told of looking for jobs, which goes on all the time.
      const roots = receiver.spans.filter(({ parentSpanId }) => parentSpanId === undefined)
      expect(new Set(roots.map(({ name }) => name))).toEqual(new Set(['webhook']))
    })
  },
  { oneByOne: true, roles: [] },
)
