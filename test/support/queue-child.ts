/** Started by `childHolding`: adds a job, takes it up, says so and holds it until it is killed. */
import { open, type Place } from './queue-world.ts'

const [place, id, timing = '{}'] = process.argv.slice(2)
if (place === undefined || id === undefined) throw new Error('usage: queue-child.ts PLACE ID [TIMING]')
const queues = await open(JSON.parse(place) as Place, [], JSON.parse(timing))
await queues.runs.work(
  async () => {
    console.log('in hand')
    return new Promise(() => {})
  },
  { concurrency: 1 },
)
await queues.runs.add(id, { by: 'heir' }, `slot-${id}`)
setInterval(() => {}, 60_000)
