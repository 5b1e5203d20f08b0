/** Lists all commands. The parser and the repository's settings file follow from this list. */
import { commandParser } from '../core/command/parse.ts'
import { repositorySettings } from '../core/settings/settings-file.ts'
import { approveCommand } from './approve-command.ts'
import { askCommand } from './ask-command.ts'
import type { Command } from './command.ts'
import { configCommand } from './config-command.ts'
import { continueCommand } from './continue-command.ts'
import { doctorCommand } from './doctor-command.ts'
import { helpCommand } from './help-command.ts'
import { planCommand } from './plan-command.ts'
import { retryCommand } from './retry-command.ts'
import { reviewCommand } from './review-command.ts'
import { runCommand } from './run-command.ts'
import { statusCommand } from './status-command.ts'
import { stopCommand } from './stop-command.ts'

export const commands: readonly Command[] = [
  runCommand,
  askCommand,
  planCommand,
  reviewCommand,
  approveCommand,
  continueCommand,
  retryCommand,
  stopCommand,
  statusCommand,
  configCommand,
  doctorCommand,
  helpCommand,
]

export const parseCommands = commandParser(commands)

export const settingsFile = repositorySettings(commands)

export function commandNamed(name: string): Command {
  const found = commands.find(each => each.name === name)
  if (!found) throw new Error(`there is no command ${name}`)
  return found
}
