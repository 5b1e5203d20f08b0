/** Settings that have the bot do less than usual, each against what it does without them. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { attachesPicture, newRepository, opensIssue } from '../world/opens-issue.ts'

onEitherQueue(
  'The settings want less',
  world => {
    it('no files are passed on, and nobody is assigned or asked for a review', async () => {
      const { github } = world()
      const shot = attachesPicture(world())
      /** Who is assigned and asked shares a mutation with the rest of what is put right. */
      const involved = (since: number): string[] =>
        github.calls
          .slice(since)
          .flatMap(
            ({ body }) =>
              JSON.stringify(body ?? '').match(/addAssigneesToAssignable|requestReviews/g) ?? [],
          )
      const seen = async (settings?: string) => {
        const repository = await newRepository(world(), settings)
        const since = github.calls.length
        const issue = await opensIssue(world(), 'do it', repository, `Look:\n\n${shot.markdown}`)
        const { thread, says, ledger } = issue
        await says('/codex do it')
        await thread.waitForAnswer('Codex opened draft')
        const { pending_user_artifact_ids: files = [] } = Object(ledger().runs[0]?.body)
        await thread.waitForFolded()
        return { calls: involved(since), files: files.length }
      }
      expect(await seen()).toEqual({
        calls: expect.arrayContaining(['addAssigneesToAssignable']),
        files: 1,
      })
      expect(
        await seen('attachments: false\npull_request: {assign: false, review: false}\n'),
      ).toEqual({
        calls: [],
        files: 0,
      })
    })

    it('one run of a person at once, and of an owner where whoever runs the bot wants it', async () => {
      const asks = async (repository: string, words: string, by = 'maya') => {
        world().posthog.script({ repository, prompt: 'first' }, { kind: 'manual' })
        const issue = await opensIssue(world(), words, repository)
        await issue.says(`/codex ${words}`, by)
        return issue
      }
      const works = async (repository: string, words: string, by?: string) =>
        (await asks(repository, words, by)).thread.waitForStatus('Codex is working')
      const repository = await newRepository(world(), 'limits: {person: 1}\n')
      await works(repository, 'first of maya')
      const second = await asks(repository, 'second of maya')
      await second.thread.waitForStatus('waits for its turn')
      await works(repository, 'first of mario', 'mario')
      expect(second.ledger().runs).toEqual([])

      const owner = 'initech'
      await works(await newRepository(world(), undefined, { owner }), 'first of initech')
      const other = await asks(
        await newRepository(world(), undefined, { owner }),
        'second of initech',
      )
      await other.thread.waitForStatus('waits for its turn')
      expect(other.ledger().runs).toEqual([])
    })
  },
  // What is asked of GitHub is told apart by when it was asked.
  { settings: 'owners: {3: {limits: {owner: 1}}}\n', oneByOne: true },
)
