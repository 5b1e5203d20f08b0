/** Keeps the page as the server has it, without losing what a person types, opens or points at. */
import { Idiomorph } from '/idiomorph.js'

/** The server knows what is chosen where a choice is sent at once, and nowhere else. */
const isChosen = field =>
  (field.matches('select') && !field.matches('[data-send]')) ||
  (field.matches('textarea, input:not([type=checkbox]), select') &&
    field === document.activeElement) ||
  (field.matches('textarea, input:not([type=checkbox])') && field.value !== field.defaultValue)

const callbacks = {
  /** What somebody types in, or chooses, stays; and why something was refused, until the next try. */
  beforeNodeMorphed: old =>
    (old.id !== 'problem' || underWay > 0) && !(old instanceof HTMLElement && isChosen(old)),
  beforeNodeRemoved: old => old.id !== 'refusal' || underWay > 0,
  /** So does what somebody unfolds or folds. */
  beforeAttributeUpdated: name => name !== 'open',
}

async function show(response) {
  const text = await response.text()
  if (!response.headers.get('content-type')?.startsWith('text/html')) return problem(text)
  const page = new DOMParser().parseFromString(text, 'text/html')
  document.title = page.title
  Idiomorph.morph(document.body, page.body, { callbacks, restoreFocus: true })
  for (const box of document.querySelectorAll('[data-box]'))
    box.checked = box.hasAttribute('checked')
}

const problem = words => {
  document.getElementById('problem').textContent = words
}

let isLooking = false
let isStale = false

/** One look at a time; what comes meanwhile is seen by the next. */
async function look() {
  isStale = true
  if (isLooking) return
  isLooking = true
  try {
    while (isStale) {
      isStale = false
      const { href } = location
      const response = await fetch(href).catch(() => undefined)
      // What is under way looks again at its end.
      if (response && href === location.href && underWay === 0) await show(response)
    }
  } finally {
    isLooking = false
  }
}

let underWay = 0

async function send(address, fields) {
  const from = location.href
  underWay += 1
  try {
    const response = await fetch(address, { method: 'POST', body: new URLSearchParams(fields) })
    const leadsOn = response.ok && response.url !== from
    if (leadsOn) history.pushState(null, '', response.url)
    // An answer that was overtaken does not lead back to where it was asked for.
    if (leadsOn || location.href === from) await show(response)
    return response.ok
  } catch {
    problem('The playground does not answer. Is it still running in its terminal?')
    return false
  } finally {
    underWay -= 1
    void look()
  }
}

addEventListener('submit', async event => {
  event.preventDefault()
  const { target: form, submitter } = event
  const address = submitter?.hasAttribute('formaction') ? submitter.formAction : form.action
  const isSent = await send(address, new FormData(form, submitter))
  if (!isSent || !form.hasAttribute('data-once')) return
  form.reset()
  const fold = form.closest('article details')
  if (fold) fold.open = false
})

addEventListener('change', ({ target }) => {
  if (target.matches('[data-send]')) target.form.requestSubmit()
  if (target.matches('[data-box]'))
    void send(target.closest('[data-tick]')?.dataset.tick, { box: target.dataset.box })
})

addEventListener('click', ({ target }) => {
  const example = target.closest('[data-text]')
  if (!example) return
  const field = example.form.querySelector('textarea')
  field.value = example.dataset.text
  field.focus()
})

addEventListener('popstate', () => void look())

document.documentElement.classList.add('live')
new EventSource('/events').addEventListener('message', () => void look())
