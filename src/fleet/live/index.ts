export { type LiveTimes, liveRoute } from './route.ts'
