export { default, config } from '@/lib/uploads';
