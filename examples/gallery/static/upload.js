// Sends the form by a script, to show how far it is. Without a script the browser sends the same form.
'use strict';

const form = document.getElementById('upload');
const progress = document.getElementById('progress');
const percent = document.getElementById('percent');
const outcome = document.getElementById('outcome');

function say(faults) {
    for (const field of ['title', 'picture']) {
        document.getElementById(`${field}-fault`).textContent = faults[field] ?? '';
        const input = form.elements[field];
        if (faults[field]) input.setAttribute('aria-invalid', 'true');
        else input.removeAttribute('aria-invalid');
    }
    const first = ['title', 'picture'].find(field => faults[field]);
    if (first) form.elements[first].focus();
}

function done(drawing, url) {
    const link = document.createElement('a');
    link.href = url;
    link.textContent = drawing.title;
    const picture = document.createElement('img');
    picture.src = `${url}.svg`;
    picture.alt = '';
    outcome.replaceChildren('It hangs on the wall: ', link, picture);
    form.reset();
}

form.addEventListener('submit', event => {
    event.preventDefault();
    const request = new XMLHttpRequest();
    const button = form.querySelector('button');
    const end = text => {
        button.disabled = false;
        document.getElementById('sending').hidden = true;
        outcome.textContent = text;
    };
    request.upload.onprogress = event => {
        const part = Math.round(100 * event.loaded / event.total);
        progress.value = part;
        percent.textContent = `${part} %`;
    };
    request.onload = () => {
        end('');
        if (request.status === 201) {
            say({});
            done(request.response, request.getResponseHeader('location'));
        } else if (request.response?.errors) say(request.response.errors);
        else end(`The site answers ${request.status}.`);
    };
    request.onerror = () => end('The connection is lost. Please try again.');
    request.open('POST', form.action);
    request.responseType = 'json';
    request.setRequestHeader('accept', 'application/json, application/problem+json');
    request.send(new FormData(form));
    say({});
    outcome.replaceChildren();
    button.disabled = true;
    progress.value = 0;
    percent.textContent = '0 %';
    document.getElementById('sending').hidden = false;
});
