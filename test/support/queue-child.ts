/** Started by `childHolding`: adds a job, takes it up, says so and holds it until it is killed. */
import { type CommentRef, open } from './queue-world.ts'

const [commentRef, id, timing = '{}'] = process.argv.slice(2)
if (commentRef === undefined || id === undefined) throw new Error('usage: queue-child.ts PLACE ID [TIMING]')
const queues = await open(JSON.parse(commentRef) as CommentRef, [], JSON.parse(timing))
await queues.runs.work(
  async () => {
    console.log('in hand')
    return new Promise(() => {})
  },
  { concurrency: 1 },
)
await queues.runs.add(id, { by: 'heir' }, `slot-${id}`)
setInterval(() => {}, 60_000)
