/** Somebody who writes a settings file has hints in their editor, from the bot itself. */
import { Ajv } from 'ajv'
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { asks } from '../world/opens-issue.ts'

onEitherQueue(
  'The bot serves the schemas of its settings',
  world => {
    it('below its public address, which `/codex config` names as long as it answers', async () => {
      const { bot } = world()
      const { thread } = await asks(world(), 'config')
      const line = /^# yaml-language-server: \$schema=(\S+)$/m
      const address =
        line.exec(await thread.waitForAnswer('Settings with their default value'))?.[1] ?? ''
      expect(address).toBe(`${bot.url}/schema/v1/codex.schema.json`)

      const response = await fetch(address)
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        expect.stringContaining('schema+json'),
      ])
      const validate = new Ajv({ strict: false }).compile(Object(await response.json()))
      expect([validate({ effort: 'high' }), validate({ effort: 'huge' })]).toEqual([true, false])
      expect((await fetch(`${bot.url}/schema/v1/settings.schema.json`)).status).toBe(200)
      for (const other of [
        '/schema/v1/',
        '/schema/v1/../../package.json',
        '/schema/v2/codex.schema.json',
      ])
        expect((await fetch(bot.url + other)).status, other).toBe(404)
    })
  },
  { own: true },
)
