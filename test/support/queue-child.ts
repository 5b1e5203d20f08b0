/** Started by `childHolding`: adds jobs, takes them up, says so and holds them until it is killed. */
import { open, type Place } from './queue-world.ts'

const [place, ids, timing = '{}'] = process.argv.slice(2)
if (place === undefined || ids === undefined)
  throw new Error('usage: queue-child.ts PLACE ID,… [TIMING]')
const all = ids.split(',')
let inHand = 0
const queues = await open(JSON.parse(place) as Place, [], JSON.parse(timing))
await queues.runs.work(
  async () => {
    inHand += 1
    if (inHand === all.length) console.log('in hand')
    return new Promise(() => {})
  },
  { concurrency: all.length },
)
for (const id of all) await queues.runs.add(id, { by: 'heir' }, `slot-${id}`)
setInterval(() => {}, 60_000)
