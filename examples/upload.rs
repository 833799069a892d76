//! Uploads: a page with a form, a handler that keeps the pictures, and the kept pictures as files.
//!
//! `cargo run --example upload`, then open <http://127.0.0.1:8000/>, or
//! `curl -F title=Sea -F picture=@sea.png http://127.0.0.1:8000/`. The files are in the folder `stelo-pictures` of the
//! system's folder for temporary files.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Deserialize;
use stelo::forms::{FormLimits, UploadFile};
use stelo::{App, Form, Html, HttpError, State, StaticFiles, Status, get};

/// The folder of the pictures.
#[derive(Clone)]
struct Folder(PathBuf);

#[derive(Deserialize)]
struct Upload {
    title: String,
    picture: UploadFile,
}

/// The file extensions that are kept.
const PICTURES: [&str; 4] = [".png", ".jpg", ".gif", ".webp"];

fn is_picture(name: &str) -> bool {
    PICTURES.iter().any(|kind| name.to_ascii_lowercase().ends_with(kind))
}

async fn page() -> Html<&'static str> {
    Html(
        "<!doctype html><title>Pictures</title>\
         <form method=post enctype=multipart/form-data>\
         <p><label>Title <input name=title required></label>\
         <p><label>Picture <input name=picture type=file accept=image/* required></label>\
         <p><button>Upload</button></form>",
    )
}

async fn keep(
    State(Folder(folder)): State<Folder>,
    Form(upload): Form<Upload>,
) -> stelo::Result<(Status, String)> {
    let Upload { title, picture } = upload;
    // The client chooses the name and the content type. A page or a script would run on this site, so only names of
    // pictures are kept, without a path.
    let Some(name) = picture.safe_filename().filter(|name| is_picture(name)) else {
        let kinds = PICTURES.join(", ");
        return Err(HttpError::new(Status::UNPROCESSABLE_CONTENT)
            .with_detail(format!("send one of {kinds}"))
            .into());
    };
    picture.persist(folder.join(name)).await?;
    Ok((Status::CREATED, format!("{title}: {} bytes at /pictures/{name}\n", picture.size())))
}

fn main() -> ExitCode {
    let folder = std::env::temp_dir().join("stelo-pictures");
    if let Err(error) = std::fs::create_dir_all(&folder) {
        eprintln!("{}: {error}", folder.display());
        return ExitCode::FAILURE;
    }
    // Temporary files are beside the kept ones, so that keeping a file needs no copy.
    let limits = FormLimits::new().max_files(1).max_file_size(Some(64 << 20)).spool_directory(&folder);
    let app = App::new()
        .route("/", get(page).post(keep).form_limits(limits))
        .mount("/pictures", StaticFiles::new(&folder))
        .state(Folder(folder));
    stelo::run(app)
}
