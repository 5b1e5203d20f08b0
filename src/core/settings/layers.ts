/** Merges deployment, owner and repository settings: a lower layer fills in, chooses and tightens. Pure. */
import { efforts } from '../agent/run-request.ts'
import type { Grants } from './deployment-settings.ts'
import { someOfBoth } from './layer-rules.ts'
import type { SettingsFile } from './repository-file.ts'
import { type Given, ofBoth, type RepoSettings } from './repository-settings.ts'

export interface Files {
  owner: Given
  repository: Given
}

export function settingsOfLayers(
  { complete }: Pick<SettingsFile, 'complete'>,
  grants: Grants,
  { owner, repository }: Files,
): RepoSettings {
  const above = ofDeployment(grants)
  // Ceilings come last: no default may exceed them.
  const { limits, ...proposed } = withEfforts(above)
  const { instructions, ...rest } = [owner, repository].map(withEfforts).reduce(ofBoth, proposed)
  const settings = complete(rest)
  const bound = limits ? complete(ofBoth(settings, { limits })) : settings
  // Merged instructions may be longer than those of one layer.
  return instructions === undefined ? bound : { ...bound, instructions }
}

export function ofDeployment({ defaults, models, ceilings }: Grants): Given {
  const limits = ceilings.map(each => ({ limits: each })).reduce<Given>(ofBoth, {}).limits
  return { ...defaults, ...(models ? { models: [...models] } : {}), ...(limits ? { limits } : {}) }
}

/** Turns a ceiling on effort into a list of efforts, so that one rule merges both. */
function withEfforts(given: Given): Given {
  const most = given.limits?.max_effort
  if (most === undefined) return given
  const left = efforts.slice(0, efforts.indexOf(most) + 1)
  return { ...given, efforts: given.efforts ? someOfBoth.join(left, given.efforts) : left }
}
