export { GET, POST } from '../items/route';
export const runtime = 'nodejs';
