import { io } from 'socket.io-client';

const socket = io('http://localhost:3001');

socket.on('connect', () => document.body.classList.add('on'));
socket.on('voted', (choice: string) => {
  document.title = choice;
  socket.emit('typing', choice);
});
socket.on('thanks', console.log);
document.querySelector('button')!.addEventListener('click', () => {
  socket.emit('vote', { choice: 'tea' }, (ok: boolean) => console.log(ok));
});
socket.emit('choices', (all: string[]) => console.log(all));
