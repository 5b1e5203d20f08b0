/** The search for lost runs, where some of what the App can see is refused. */
import { describe, expect, test } from 'vitest'
import { ComeBack, Refused, Unanswered } from '../../src/core/faults.ts'
import { markerSigner } from '../../src/core/marker.ts'
import type { Repository } from '../../src/core/thread.ts'
import { type AdoptDeps, adoptLost } from '../../src/flow/adopt.ts'
import { minute, second, t0 } from '../core/given.ts'

const repository = (installationId: number, repo: string): Repository => ({
  ...{ installationId, repo, owner: `owner-${installationId}`, repoId: installationId * 10 },
  defaultBranch: 'main',
})
const one = repository(1, 'one')
const two = repository(2, 'two')
const three = repository(3, 'three')

const unused = (): never => expect.fail('nothing was lost, so nobody is asked for more')

function search(refuse: (what: string) => Error | undefined) {
  const looked: string[] = []
  let at = t0
  let memory: unknown
  const guarded = <T>(what: string, answer: T): Promise<T> => {
    const error = refuse(what)
    return error ? Promise.reject(error) : Promise.resolve(answer)
  }
  const deps: AdoptDeps = {
    installations: {
      installations: () => guarded('installations', [1, 2, 3]),
      repositoriesOf: id =>
        guarded(
          `list ${id}`,
          [one, two, three].filter(each => each.installationId === id),
        ),
      async ownComments({ repo }) {
        await guarded(`read ${repo}`, undefined)
        looked.push(repo)
        return []
      },
      subject: unused,
    },
    github: unused,
    posthog: { findTask: unused, runIds: unused, statusOf: unused },
    runs: { get: unused, add: unused },
    signer: markerSigner('a secret'),
    log: { info() {}, warn() {}, error() {} },
    now: () => at,
  }
  const chore = adoptLost(deps)
  const turn = async () => {
    const signal = new AbortController().signal
    const remember = async (kept: unknown) => {
      memory = kept
    }
    const ms = await chore({ memory, signal, remember })
    at += ms ?? 5 * second
    return ms
  }
  const pass = (ms: number): void => {
    at += ms
  }
  return { looked, turn, pass }
}

/** The first turn only waits for what is under way. */
async function begun(refuse: (what: string) => Error | undefined) {
  const found = search(refuse)
  await found.turn()
  return found
}

const forbidden = new Refused('github', 403, '', 'Resource not accessible by integration')

describe('what one installation refuses does not hide the others', () => {
  test.each([
    ['list 1', ['two', 'three']],
    ['list 2', ['one', 'three']],
    ['read one', ['two', 'three']],
    ['read two', ['one', 'three']],
  ])('%s', async (refused, rest) => {
    const { looked, turn } = await begun(what => (what === refused ? forbidden : undefined))
    expect(await turn()).toBe(30 * second)
    expect(looked).toEqual(rest)
  })

  test('nor does a limit that it has reached', async () => {
    const limit = new ComeBack('github', t0 + 60 * minute, 'rate-limit', 'later')
    const { looked, turn } = await begun(what => (what === 'read one' ? limit : undefined))
    await turn()
    expect(looked).toEqual(['two', 'three'])
  })
})

test('what was refused is asked for again for minutes, and then left', async () => {
  let refuses = true
  const { looked, turn } = await begun(what => (refuses && what === 'list 2' ? forbidden : undefined))
  await turn()
  refuses = false
  expect(await turn()).toBeUndefined()
  expect(looked).toEqual(['one', 'three', 'two'])

  const never = await begun(what => (what === 'list 2' ? forbidden : undefined))
  await never.turn()
  never.pass(10 * minute)
  expect(await never.turn()).toBeUndefined()
  expect(never.looked).toEqual(['one', 'three'])
})

test('without an answer it breaks off, and begins where it was', async () => {
  let answers = false
  const { looked, turn } = await begun(what =>
    !answers && what === 'read two' ? new Unanswered('github', 'no answer') : undefined,
  )
  expect(await turn()).toBe(30 * second)
  answers = true
  expect(await turn()).toBeUndefined()
  expect(looked).toEqual(['one', 'two', 'three'])
})
