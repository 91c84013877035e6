export * from './level';
export { products as catalogue } from './db';
export { default as settings } from './settings.json';
