#include "server/rpc/collection_service.h"

#include "repositories/collection_repository.h"

namespace aquifer {

CollectionService::CollectionService(RpcRunner& rpc)
    : RpcService(rpc, *v1::RecordCollectionRequest::descriptor()->file()->service(0)) {
  using Repository = CollectionRepository;
  Unary(&Repository::RecordCollection, &Repository::RecordCollectionJoined);
  Unary(&Repository::RecordCollections);
  ClientStream(&Repository::ImportCollections, &Repository::AppendImport);
  Unary(&Repository::GetCollection, &Repository::GetCollectionJoined);
  Unary(&Repository::CorrectCollection);
  Unary(&Repository::DeleteCollections);
  Unary(&Repository::ListCollections);
  ServerStream(&Repository::StreamCollections);
  Unary(&Repository::SummarizeCollections);
  Unary(&Repository::CheckCollectionExists, &Repository::CheckCollectionExistsJoined);
  Unary(&Repository::GetDataAvailability);
  Unary(&Repository::ListCollectionDevices);
  Unary(&Repository::RecordFetchOutcomes, &Repository::RecordFetchOutcomesJoined);
  Unary(&Repository::FindMissing);
  Unary(&Repository::ListCollectorTexts);
  Unary(&Repository::SetCollectorAlias);
  Unary(&Repository::DeleteCollectorAlias);
}

}  // namespace aquifer
