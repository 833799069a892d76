//! New drawings of users: a form with a file. The browser sends it as a whole, or by a script that shows the progress.

use std::collections::BTreeMap;

use garde::Validate;
use stelo::authentication::User;
use stelo::forms::{FormLimits, UploadFile};
use stelo::middleware::requires;
use stelo::response::{Problem, ResponseExt};
use stelo::templates::{Value, context};
use stelo::{HttpError, IntoResponse, Json, Redirect, Request, Response, Router, State, Status, get, header};

use crate::accounts::Person;
use crate::gallery::{Drawing, Gallery};
use crate::pages::Page;

/// The largest file. It arrives in pieces; what is beyond 1 MiB waits in a temporary file.
const MAX_SIZE: u64 = 4 << 20;

#[derive(Validate)]
struct New {
    #[garde(custom(is_title))]
    title: String,
    #[garde(custom(is_given))]
    picture: Option<UploadFile>,
}

fn is_title(title: &str, (): &()) -> garde::Result {
    match title.chars().count() {
        2..=60 => Ok(()),
        _ => Err(garde::Error::new("a title has 2 to 60 characters")),
    }
}

fn is_given(picture: &Option<UploadFile>, (): &()) -> garde::Result {
    match picture {
        None => Err(garde::Error::new("choose a file")),
        Some(picture) if picture.size() == 0 => Err(garde::Error::new("the file is empty")),
        Some(_) => Ok(()),
    }
}

/// The text of each invalid field.
type Faults = BTreeMap<String, String>;

async fn faults_of(new: &New, gallery: &Gallery) -> stelo::Result<Faults> {
    let mut faults = Faults::new();
    if let Err(report) = new.validate() {
        faults.extend(report.iter().map(|(field, error)| (field.to_string(), error.message().to_owned())));
    }
    if let Some(mut picture) = new.picture.clone().filter(|picture| picture.size() > 0) {
        let start = picture.read(1024).await?;
        if !String::from_utf8_lossy(&start).contains("<svg") {
            faults.insert("picture".into(), "the file is not an SVG".into());
        }
    }
    if !gallery.has_room() {
        faults.insert("title".into(), "the walls are full".into());
    }
    Ok(faults)
}

async fn form(page: Page, request: Request) -> Result<Response, HttpError> {
    page.show(&request, "add.html", context! { title => "", faults => Value::from(Faults::new()) })
}

/// A script asks for JSON, a browser for a page.
async fn add(
    State(gallery): State<Gallery>,
    User(person): User<Person>,
    page: Page,
    mut request: Request,
) -> stelo::Result<Response> {
    let (title, picture) = match request.form().await {
        Ok(form) => (form.text("title").unwrap_or_default().to_owned(), form.file("picture").cloned()),
        Err(error) if error.status == Status::CONTENT_TOO_LARGE => {
            let faults = Faults::from([("picture".into(), "the file is larger than 4 MiB".into())]);
            return refuse(error.status, page, &request, "", &faults);
        }
        Err(error) => return Err(error.into()),
    };
    let new = New { title: title.trim().into(), picture: picture.filter(|picture| !picture.is_absent()) };
    let faults = faults_of(&new, &gallery).await?;
    let Some(picture) = new.picture.filter(|_| faults.is_empty()) else {
        return refuse(Status::UNPROCESSABLE_CONTENT, page, &request, &new.title, &faults);
    };

    let path = gallery.temporary();
    picture.persist(&path).await?;
    let workers = request.workers();
    let keeper = gallery.clone();
    let drawing = workers.run(move || keeper.add(&new.title, &person.name, &path)).await??;
    // Reading a large picture takes time, so it happens behind the response.
    let id = drawing.id;
    let task = workers.task(move || gallery.find_colours(id));
    Ok(done(page, &request, &drawing)?.background(task))
}

fn wants_json(request: &Request) -> bool {
    request.headers().get_str("accept").is_some_and(|accept| accept.contains("application/json"))
}

fn done(page: Page, request: &Request, drawing: &Drawing) -> stelo::Result<Response> {
    let url = request.url_path_for("pages:drawing", &[("id", &drawing.id)])?.to_string();
    if wants_json(request) {
        let mut response = (Status::CREATED, Json(drawing)).into_response();
        response.headers.try_set(header::LOCATION, url)?;
        return Ok(response);
    }
    page.flash("success", format!("“{}” hangs on the wall.", drawing.title))?;
    Ok(Redirect::see_other(url).into_response())
}

/// Shows the form again, with a text beside each invalid field.
fn refuse(
    status: Status,
    page: Page,
    request: &Request,
    title: &str,
    faults: &Faults,
) -> stelo::Result<Response> {
    if wants_json(request) {
        return Ok(Problem::new(status).with_member("errors", faults).into_response());
    }
    let mut response =
        page.show(request, "add.html", context! { title, faults => Value::from(faults.clone()) })?;
    response.status = status;
    Ok(response)
}

/// The routes for new drawings, for users only.
pub(crate) fn router() -> Router {
    let limits = FormLimits::new().max_files(1).max_fields(4).max_file_size(Some(MAX_SIZE));
    Router::new()
        .middleware(requires(["artist"]).redirect("pages:login"))
        .route("/add", get(form).post(add).form_limits(limits))
        .name("add")
}
