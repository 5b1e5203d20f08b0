/** Files that take long begin first, so that no worker is left alone with one of them at the end. */
import { basename } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Each waits for most of its time, longest first; the rest follows, larger files first. */
const long = [
  'playground-actions',
  'walk',
  'processes',
  'start-checks',
  'sessions',
  'reasons-to-wait',
  'ends',
  'taking-back',
  'whose',
  'strangers',
  'repository-lives',
  'poll',
  'real-log',
  'labels',
  'many-processes',
  'refused-reads',
  'doctor',
  'tenants',
  'set-up',
  'crashes',
  'lost-queue',
  'missed-webhooks',
  'folded-status',
  'state-labels',
  'conversation',
  'fix',
  'metrics',
  'order',
  'queue-redis',
  'queue-embedded',
  'queue.contract',
]

/** Stories and queues wait, which leaves room for others. A worker keeps the modules of its project, so it is not left and entered again. */
const placeOf = ({ moduleId, project }: TestSpecification): number => {
  const place = long.indexOf(basename(moduleId, '.test.ts'))
  const waits = moduleId.includes('/test/stories/') || place >= 0
  const inTogether = waits ? 1 : 2
  const group = project.name === 'together' ? inTogether : 0
  return group * 1_000 + (place < 0 ? long.length : place)
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => placeOf(a) - placeOf(b))
  }
}
