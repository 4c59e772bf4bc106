export {
  type AppEvent,
  type EventCatalogue,
  EventEmitter,
  type EventHandler,
  type Publisher,
} from './emitter.ts'
