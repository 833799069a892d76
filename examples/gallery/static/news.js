// The feed: the number of visitors, and drawings that are new or have changed. The browser connects again by itself, and
// sends the id of the last drawing that it knows.
'use strict';

const news = new EventSource(document.body.dataset.news);
const wall = document.getElementById('wall');

news.onopen = () => document.body.classList.add('live');
news.onerror = () => document.body.classList.remove('live');

news.addEventListener('visitors', event => {
    document.getElementById('visitors').textContent = event.data;
});

if (wall) {
    // One after the other, so that the order of the feed is that of the wall.
    let last = Promise.resolve();
    news.addEventListener('drawing', event => {
        last = last.then(() => show(event.data)).catch(console.error);
    });
}

async function show(id) {
    const response = await fetch(wall.dataset.card.replace('/0/', `/${id}/`));
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const card = page.querySelector('.card');
    const old = document.getElementById(card.id);
    if (old) {
        // The picture is the same. Keeping it spares a flicker, and the focus.
        card.querySelector('.frame').replaceWith(old.querySelector('.frame'));
        const focused = old.contains(document.activeElement);
        old.replaceWith(card);
        if (focused) card.querySelector('a').focus();
    } else {
        card.classList.add('new');
        wall.prepend(card);
    }
}
