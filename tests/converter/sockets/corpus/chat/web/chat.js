const list = document.querySelector('ul');
const socket = new WebSocket('ws://localhost:8080/chat');

socket.onmessage = (event) => {
  const message = JSON.parse(event.data);
  list.append(Object.assign(document.createElement('li'), { textContent: message.text ?? message.kind }));
  if (message.kind === 'welcome') socket.send(JSON.stringify({ kind: 'ping' }));
};
socket.addEventListener('open', () => list.classList.add('open'));
document.querySelector('form').addEventListener('submit', (event) => {
  event.preventDefault();
  if (socket.readyState === WebSocket.OPEN) {
    socket.send(JSON.stringify({ kind: 'say', text: event.target.text.value }));
  }
});
