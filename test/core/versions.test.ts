/**
 * From 0.2.0 on, what a released version wrote is read by all later ones. `test/data/<version>` has what that version
 * wrote; it is never changed, and a version that writes something new gets a folder of its own. Runs, triggers and
 * markers were noted while stories ran, where `job-worker.ts` saves and `marker.ts` signs; comments are made from the runs, messages and
 * errands have all that their kind can.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { settingsFile } from '../../src/commands/command-registry.ts'
import { triggerFormat, triggerIndex } from '../../src/commands/trigger-record.ts'
import { RunMessage } from '../../src/core/record/mailbox-part.ts'
import { markerSigner } from '../../src/core/record/marker.ts'
import { parseMessage } from '../../src/core/record/messages.ts'
import { nextStep } from '../../src/core/record/next-step.ts'
import { UnusedBranch } from '../../src/core/record/own-pull-request.ts'
import { restored } from '../../src/core/record/recovery-record.ts'
import { runFormat } from '../../src/core/record/run.ts'
import { readDeploymentSettings } from '../../src/core/settings/deployment-settings.ts'
import { defaultSettings } from '../../src/core/settings/repository-settings.ts'
import { statusComment } from '../../src/core/words/status.ts'
import { withoutGone } from '../support/gone-keys.ts'
import { deployment, issueThread, t0 } from './given.ts'

const data = join(import.meta.dirname, '../data')
const versions = readdirSync(data).filter(name => /^\d+\.\d+\.\d+$/.test(name))
const key = 'the marker key of the fixtures of versions'

const Keyed = z.record(z.string(), z.unknown())
const Stored = z.object({ name: z.string(), record: Keyed })
const Written = z.object({
  name: z.string(),
  thread: z.object({ repoId: z.number(), number: z.number() }),
  marker: Keyed,
  comment: z.string(),
})

const linesOf = <T>(schema: z.ZodType<T>, ...path: string[]): T[] =>
  readFileSync(join(data, ...path), 'utf8')
    .trim()
    .split('\n')
    .map(line => schema.parse(JSON.parse(line)))

const without = (value: unknown, [key = '', ...rest]: string[]): unknown =>
  Object.fromEntries(
    Object.entries(Object(value)).flatMap(([name, inner]) =>
      name !== key ? [[name, inner]] : rest.length > 0 ? [[name, without(inner, rest)]] : [],
    ),
  )

test('the first version that is kept is there', () => expect(versions).toContain('0.2.0'))

test('of each kind of message one is kept', () => {
  const kept = versions.flatMap(version => linesOf(Stored, version, 'messages.jsonl'))
  const kinds = RunMessage.options.flatMap(({ shape }) => [...shape.kind.values])
  expect(new Set(kept.map(({ record }) => record.kind))).toEqual(new Set(kinds))
})

/** Of the settings files what is gone since that version, each by how its line begins: the file says so, and what to do. */
const refused: Record<string, Record<string, readonly [line: RegExp, key: string][]>> = {
  '0.2.0': {
    'codex.yml': [
      [/^branch:.*\n/m, 'branch'],
      [/^chatty:.*\n/m, 'chatty'],
      [/^comments: check.*\n/m, 'comments'],
      [/^when:\n(?: .*\n)*/m, 'when'],
      [/^ {2}apps:.*\n/m, 'allow.apps'],
      [/^head_moved:.*\n/m, 'head_moved'],
      ...[
        ...[
          'owner',
          'person_per_day',
          'owner_per_day',
          'thread_per_day',
          'bots_per_thread_per_day',
        ],
        ...[
          'repository_per_5_minutes',
          'person_cost_per_day',
          'owner_cost_per_day',
          'when_reached',
        ],
      ].map((key): [RegExp, string] => [new RegExp(`^ {2}${key}:.*\\n`, 'm'), `limits.${key}`]),
    ],
    'settings.yml': [
      [/^owners:\n(?: .*\n)*/m, 'owners.acme'],
      [/^pause:.*\n/m, 'pause'],
    ],
  },
  '0.3.0': {
    'settings.yml': [[/^pause:.*\n/m, 'pause']],
  },
}

/** Keys of `codex.yml` that went with the version of now: the file holds without them, and says so. */
const passedOver: Record<string, string[]> = { '0.3.0': ['pull_request.credit'] }

describe.each(versions)('%s', version => {
  test.each(linesOf(Stored, version, 'runs.jsonl'))(
    'a Run, $name: is read whole and goes on',
    ({ record }) => {
      const run = runFormat.parse(record)
      expect(run).toMatchObject(withoutGone(record))
      expect(nextStep(run, { at: t0, text: 'same' }).kind).toEqual(expect.any(String))
      expect(statusComment(run, deployment, t0)).toMatch(/^### /)
    },
  )

  test.each(linesOf(Stored, version, 'triggers.jsonl'))(
    'a trigger, $name: is read whole',
    ({ record }) => {
      const read = triggerFormat.parse(record)
      expect(read).toMatchObject(withoutGone(record))
      expect(triggerIndex.entries({ data: read, addedAt: t0 }).length > 0).toBe(
        'thread' in read.trigger,
      )
    },
  )

  test.each(linesOf(Stored, version, 'messages.jsonl'))(
    'a message that waits for its Run, $name: is read whole',
    ({ record }) => expect(parseMessage(JSON.stringify(record))).toEqual(withoutGone(record)),
  )

  // Pauses, which there were, are ended unread.
  const errands = linesOf(Stored, version, 'errands.jsonl').filter(({ name }) => name !== 'pause')
  test.each(errands)('an errand, $name: is read whole', ({ record }) =>
    expect(UnusedBranch.parse(record)).toEqual(record),
  )

  test.each(linesOf(Written, version, 'comments.jsonl'))(
    'a status comment, $name: its Run is found again',
    ({ thread, marker, comment }) => {
      const read =
        markerSigner(key).read(comment, thread)[0] ?? expect.fail('the marker is not read')
      expect(read).toMatchObject(withoutGone(marker))
      const backup = read.backup ?? expect.fail('it carries no recovery record')
      const again = restored(
        {
          id: read.run,
          backup,
          made: read.made,
          commentId: 1,
          thread: issueThread,
          snapshot: { title: 'Login is flaky', body: 'It fails.', author: 'sam', open: true },
          settings: defaultSettings,
          pulls: [],
          untended: [],
          session: { taskId: read.task, taskRunId: read.taskRun },
          closed: false,
        },
        t0,
      )
      expect(again.request.text).toBe(backup.request.text)
      expect(nextStep(again, { at: t0, text: 'same' }).kind).toEqual(expect.any(String))
    },
  )

  test.each(linesOf(Written, version, 'markers.jsonl'))(
    'a marker, $name: is read whole',
    ({ thread, marker, comment }) =>
      expect(markerSigner(key).read(comment, thread)).toMatchObject([withoutGone(marker)]),
  )

  const read: Record<string, (text: string) => unknown> = {
    'codex.yml': text => {
      const { given, problems } = settingsFile.read(text)
      return problems.length === 0 ? given : problems
    },
    'settings.yml': text => {
      const file = readDeploymentSettings(text)
      return file.kind === 'read' ? file.value : file.problems
    },
  }
  const meant = z
    .record(z.string(), Keyed)
    .parse(JSON.parse(readFileSync(join(data, version, 'settings.json'), 'utf8')))
  test.each(Object.entries(meant))(
    'the settings in %s mean what they meant, or are gone',
    (file, value) => {
      const written = readFileSync(join(data, version, file), 'utf8')
      const lost = refused[version]?.[file] ?? []
      if (lost.length > 0)
        expect(read[file]?.(written)).toMatchObject(
          lost.map(([, key]) => ({
            key,
            message: expect.stringMatching(/any more|number|only be set/),
          })),
        )
      const text = lost.reduce((rest, [line]) => rest.replace(line, ''), written)
      const gone = [...lost.map(([, key]) => key), ...(passedOver[version] ?? [])]
      const left = gone.reduce<unknown>((rest, key) => without(rest, key.split('.')), value)
      expect(read[file]?.(text)).toMatchObject(Object(left))
    },
  )

  test('`codex.yml` holds without the keys that went with the version of now', () => {
    const written = readFileSync(join(data, version, 'codex.yml'), 'utf8')
    const told = settingsFile.read(written).passedOver.map(({ key }) => key)
    expect(told).toEqual(passedOver[version] ?? [])
  })

  test('nothing of it is left unread', () => {
    const known = [
      ...['codex.yml', 'comments.jsonl', 'errands.jsonl', 'markers.jsonl', 'messages.jsonl'],
      ...['runs.jsonl', 'settings.json', 'settings.yml', 'triggers.jsonl'],
    ]
    expect(readdirSync(join(data, version)).filter(name => !known.includes(name))).toEqual([])
    for (const name of known) expect(existsSync(join(data, version, name)), name).toBe(true)
  })
})
