//! A server with actix-web and sqlx as in a tutorial: it requires a valid token, and checks and limits nothing else.

use actix_web::web::{Data, Json, Path};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, error, get, post};
use peers::{Login, NewInvoice, Store, verify};
use uuid::Uuid;

type Reply = actix_web::Result<HttpResponse>;

fn user(request: &HttpRequest, store: &Store) -> actix_web::Result<Uuid> {
    let header = request.headers().get("authorization").and_then(|header| header.to_str().ok());
    header.and_then(|header| store.user_of(header)).ok_or_else(|| error::ErrorUnauthorized("log in"))
}

#[get("/health/ready")]
async fn ready() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[post("/api/v1/auth/login")]
async fn login(body: Json<Login>, store: Data<Store>) -> Reply {
    let found = store.user(&body.email).await.map_err(error::ErrorInternalServerError)?;
    let (user, hash) = found.ok_or_else(|| error::ErrorUnauthorized("wrong"))?;
    let is_right = actix_web::web::block(move || verify(&body.password, &hash)).await?;
    if !is_right {
        return Err(error::ErrorUnauthorized("wrong"));
    }
    Ok(HttpResponse::Ok().json(store.begin_session(user).await.map_err(error::ErrorInternalServerError)?))
}

#[get("/api/v1/invoices")]
async fn list(request: HttpRequest, store: Data<Store>) -> Reply {
    let owner = user(&request, &store)?;
    Ok(HttpResponse::Ok().json(store.newest(owner).await.map_err(error::ErrorInternalServerError)?))
}

#[get("/api/v1/invoices/{id}")]
async fn one(request: HttpRequest, id: Path<Uuid>, store: Data<Store>) -> Reply {
    let owner = user(&request, &store)?;
    let found = store.invoice(owner, *id).await.map_err(error::ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().json(found.ok_or_else(|| error::ErrorNotFound("no such invoice"))?))
}

#[post("/api/v1/invoices")]
async fn create(request: HttpRequest, body: Json<NewInvoice>, store: Data<Store>) -> Reply {
    let owner = user(&request, &store)?;
    let rows = body.rows().ok_or_else(|| error::ErrorBadRequest("a number is malformed"))?;
    Ok(HttpResponse::Created().json(store.insert(owner, &body, rows).await.map_err(error::ErrorInternalServerError)?))
}

#[get("/api/v1/documents/{id}/content")]
async fn content(request: HttpRequest, id: Path<Uuid>, store: Data<Store>) -> Reply {
    let owner = user(&request, &store)?;
    let found = store.document(owner, *id).await.map_err(error::ErrorInternalServerError)?;
    let (document, bytes) = found.ok_or_else(|| error::ErrorNotFound("no such document"))?;
    Ok(HttpResponse::Ok().content_type(document.media_type).body(bytes))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let store = Data::new(Store::open().await);
    let app = move || {
        let app = App::new().app_data(store.clone()).service(ready).service(login);
        app.service(list).service(one).service(create).service(content)
    };
    HttpServer::new(app).bind(std::env::var("BIND").expect("BIND is missing"))?.run().await
}
