import { expect, onTestFinished, test } from 'vitest'
import { loadCatalogue } from '../src/catalogue.js'
import { httpApp } from '../src/http-app.js'
import { openPlatform } from '../src/platform.js'
import { readClicks } from '../src/real-clicks.js'
import { temporaryFile } from './database.js'

const [click] = readClicks(1) as [ReturnType<typeof readClicks>[number]]

async function openApp() {
  const platform = await openPlatform(temporaryFile())
  const app = httpApp({ platform, catalogue: loadCatalogue() })
  onTestFinished(async () => {
    await app.close()
    await platform.close()
  })
  return { app, platform }
}

test('courses and their materials are listed', async () => {
  const { app } = await openApp()
  const { courses } = (await app.inject('/courses')).json()
  expect(courses).toHaveLength(22)
  const { materials } = (await app.inject(`/courses/${courses[0].code}/materials`)).json()
  expect(materials).toHaveLength(courses[0].materials)
})

test.each(['materials', 'views'])(
  'the %s of an unknown course are a 404 that says what to do',
  async (listing) => {
    const { app } = await openApp()
    const response = await app.inject(`/courses/XYZ-1999A/${listing}`)
    expect(response.statusCode).toBe(404)
    expect(response.json().error).toContain('GET /courses')
  },
)

test('a posted click is accepted at once and counted soon', async () => {
  const { app, platform } = await openApp()
  expect((await app.inject(`/courses/${click.course}/views`)).json()).toMatchObject({ records: 0, views: 0 })
  const response = await app.inject({ method: 'POST', url: '/clicks', payload: click })
  expect(response.statusCode).toBe(202)
  expect(response.json()).toMatchObject({ status: 'accepted', durability: 'store' })
  await platform.settled()
  const views = await app.inject(`/courses/${click.course}/views`)
  expect(views.json()).toEqual({ course: click.course, records: 1, views: click.clicks })
})

test('the same click posted twice at the same time is one click with one receipt id', async () => {
  const { app, platform } = await openApp()
  const post = () => app.inject({ method: 'POST', url: '/clicks', payload: click })
  const receipts = (await Promise.all([post(), post()])).map((response) => response.json())
  expect(receipts.map((receipt) => receipt.status).sort()).toEqual(['accepted', 'duplicate'])
  expect(receipts[0].id).toBe(receipts[1].id)
  await platform.settled()
  expect((await app.inject(`/courses/${click.course}/views`)).json().records).toBe(1)
})

test('the receipt leads to the outcome on the API mounted beside', async () => {
  const { app, platform } = await openApp()
  const receipt = await app.inject({ method: 'POST', url: '/clicks', payload: click })
  await platform.settled()
  const outcome = await app.inject(receipt.headers.location as string)
  expect(outcome.json()).toMatchObject({ id: receipt.json().id, state: 'succeeded' })
})

test('a click that makes no sense is refused with the reason', async () => {
  const { app } = await openApp()
  const response = await app.inject({ method: 'POST', url: '/clicks', payload: { ...click, clicks: 0 } })
  expect(response.statusCode).toBe(422)
  expect(response.json().error).toContain('clicks')
})

test('a body that is not JSON is refused', async () => {
  const { app } = await openApp()
  const headers = { 'content-type': 'application/json' }
  const response = await app.inject({ method: 'POST', url: '/clicks', headers, payload: '{"id":' })
  expect(response.statusCode).toBe(400)
})
