// The table as a Sequelize program declares it.
import { DataTypes } from 'sequelize';

export function defineCollection(sequelize) {
  return sequelize.define('collection', {
    id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
    device_id: { type: DataTypes.TEXT, allowNull: false, unique: 'collections_key' },
    collected_at: { type: DataTypes.DATE, allowNull: false, unique: 'collections_key' },
    banknotes: { type: DataTypes.DECIMAL(12, 2), allowNull: false },
    coins: { type: DataTypes.DECIMAL(12, 2), allowNull: false },
    collector: DataTypes.TEXT,
    card_id: DataTypes.TEXT,
    note: DataTypes.TEXT,
    machine: DataTypes.TEXT,
  }, {
    schema: 'aquifer', tableName: 'collections', createdAt: 'created_at', updatedAt: 'updated_at',
  });
}
