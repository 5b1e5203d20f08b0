/** What the code takes the App to be granted is what `app.yml` asks for. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { permissionReasons, wantedForTeams, wantedOfApp } from '../../src/github/app-manifest.ts'

const text = readFileSync(join(import.meta.dirname, '../../app.yml'), 'utf8')

test('permissions and events are those of app.yml', () => {
  const manifest = parse(text)
  expect(wantedOfApp.permissions).toEqual(manifest.default_permissions)
  for (const [name, level] of Object.entries(wantedForTeams))
    expect(text).toContain(`  # ${name}: ${level}`)
  expect([...wantedOfApp.events].sort()).toEqual([...manifest.default_events].sort())
})

test('app.yml says what each permission is for, as the set-up page does', () => {
  const said = [...text.matchAll(/^ {2}# (.+)\n {2}(?:# )?(\w+):/gm)].map(([, reason, name]) => [
    name,
    reason,
  ])
  expect(Object.fromEntries(said)).toEqual(permissionReasons)
})
