/** What the code takes the App to be granted is what `app.yml` asks for. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { wantedOfApp } from '../../src/github/app-manifest.ts'

test('permissions and events are those of app.yml', () => {
  const manifest = parse(readFileSync(join(import.meta.dirname, '../../app.yml'), 'utf8'))
  expect(wantedOfApp.permissions).toEqual(manifest.default_permissions)
  expect([...wantedOfApp.events].sort()).toEqual([...manifest.default_events].sort())
})
