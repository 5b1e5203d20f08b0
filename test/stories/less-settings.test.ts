/** Settings that have the bot do less than usual, each against what it does without them. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

/** The beginning of a picture. */
const png = '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489'

onEitherQueue(
  'The settings want less',
  world => {
    const repositoryWith = async (settings: string, owner = 'acme'): Promise<string> => {
      const { github } = world()
      const repository = await github.addRepo(owner, `less-${Math.random().toString(36).slice(2, 8)}`)
      if (settings !== '')
        await github.as('olga', repository).pushes('main', { '.github/codex.yml': settings })
      return repository
    }
    const asks = async (repository: string, text: string, { by = 'maya', body = 'x' } = {}) => {
      const person = world().github.as(by, repository)
      const { number } = await person.opensIssue({ title: text, body })
      const { id } = await person.comments(number, `/codex ${text}`)
      const ledger = () => ledgerOf(world(), number, repository)
      return { person, number, commentId: id, thread: new Thread(world(), number, repository), ledger }
    }
    const working = async (repository: string, text: string, by = 'maya') => {
      world().posthog.script(text, { kind: 'manual' })
      const asked = await asks(repository, text, { by })
      await asked.thread.waitForStatus('Codex is working')
      return asked
    }

    it('no files are passed on, and nobody is assigned or asked for a review', async () => {
      const { github } = world()
      const shot = github.attachments.add({
        name: 'shot.png',
        type: 'image/png',
        bytes: Buffer.from(png, 'hex'),
      })
      const body = `Look:\n\n${shot.markdown}`
      /** Who is assigned and asked shares a mutation with the rest of what is put right. */
      const involved = (since: number): string[] =>
        github.calls
          .slice(since)
          .flatMap(
            ({ body }) => JSON.stringify(body ?? '').match(/addAssigneesToAssignable|requestReviews/g) ?? [],
          )
      const seen = async (settings: string) => {
        const repository = await repositoryWith(settings)
        const since = github.calls.length
        const { thread, ledger } = await asks(repository, 'do it', { body })
        await thread.waitForAnswer('pull request is ready')
        const { pending_user_artifact_ids: files = [] } = JSON.parse(JSON.stringify(ledger().runs[0]?.body))
        await thread.waitForFolded()
        return { calls: involved(since), files: files.length }
      }
      expect(await seen('')).toEqual({
        calls: expect.arrayContaining(['addAssigneesToAssignable']),
        files: 1,
      })
      expect(await seen('attachments: false\npull_request: {assign: false, review: false}\n')).toEqual({
        calls: [],
        files: 0,
      })
    })

    it('one run of a person at once, and of an owner where whoever runs the bot wants it', async () => {
      const repository = await repositoryWith('limits: {person: 1}\n')
      await working(repository, 'first of maya')
      const second = await asks(repository, 'second of maya')
      await second.thread.waitForStatus('waits for its turn')
      await working(repository, 'first of mario', 'mario')
      expect(second.ledger().runs).toEqual([])

      await working(await repositoryWith('', 'initech'), 'first of initech')
      const other = await asks(await repositoryWith('', 'initech'), 'second of initech')
      await other.thread.waitForStatus('waits for its turn')
      expect(other.ledger().runs).toEqual([])
    })
  },
  // What is asked of GitHub is told apart by when it was asked.
  { settings: 'owners: {3: {limits: {owner: 1}}}\n', oneByOne: true },
)
